import {type ApiPart, routeTables} from './api/index.ts';
import {type Config, ConfigError, type Role} from './config/index.ts';
import type {JobRole} from './jobs/index.ts';

/** What a process does by itself, asked by nobody. */
export type Loop =
	/** Tells other servers what they are owed. */
	| 'sender'
	/** Accepts the events that other servers have sent. */
	| 'staging'
	/** Indexes events for search. */
	| 'search index'
	/** Tells push gateways what people are notified of. */
	| 'push delivery'
	| `${JobRole} jobs`;

/** One role: what a process does that has it. */
interface RoleRow {
	/** One line, for operators. */
	readonly does: string;
	readonly serves: readonly ApiPart[];
	readonly runs: readonly Loop[];
}

/** What a process of each role does; `all` is everything. A role without work is reserved. */
export const roleTable: Readonly<Record<Exclude<Role, 'all'>, RoleRow>> = {
	client: {
		does: 'answers clients in all but /sync and media, and serves pages and administration',
		serves: ['client', 'admin', 'well-known'],
		runs: [],
	},
	sync: {does: 'answers /sync', serves: ['sync'], runs: []},
	'federation-in': {
		does: 'answers other servers and accepts their events',
		serves: ['federation', 'well-known'],
		runs: ['staging'],
	},
	'federation-out': {does: 'tells other servers what they are owed', serves: [], runs: ['sender']},
	media: {does: 'takes uploads and gives files out', serves: ['media'], runs: ['media jobs']},
	push: {does: 'notifies phones', serves: [], runs: ['push delivery']},
	appservice: {does: 'tells application services what they are owed', serves: [], runs: []},
	background: {
		does: 'does the background jobs and indexes events for search',
		serves: [],
		runs: ['background jobs', 'search index'],
	},
};

type SingleRole = keyof typeof roleTable;

const singleRoles = Object.keys(roleTable) as SingleRole[];

/** What one process does. */
export interface ProcessPlan {
	readonly roles: readonly SingleRole[];
	readonly serves: ReadonlySet<ApiPart>;
	readonly runs: ReadonlySet<Loop>;
}

/** Says what a process with this configuration does. @throws ConfigError where its roles make no sense */
export function planProcess(config: Config): ProcessPlan {
	if (config.roles.includes('all')) {
		if (config.roles.length > 1) throw new ConfigError('roles: expected all alone, or roles without all');
		return planOf(singleRoles);
	}
	const roles = config.roles as readonly SingleRole[];
	checkRoles(roles, config);
	const plan = planOf(roles);
	checkListeners(plan, config);
	return plan;
}

function planOf(roles: readonly SingleRole[]): ProcessPlan {
	const rows = roles.map((role) => roleTable[role]);
	return {
		roles,
		serves: new Set<ApiPart>(['operations', ...rows.flatMap(({serves}) => serves)]),
		runs: new Set(rows.flatMap(({runs}) => runs)),
	};
}

function checkRoles(roles: readonly SingleRole[], {database, federation}: Config): void {
	if (database.kind === 'sqlite') {
		throw new ConfigError(
			'roles: expected all, for one process has an SQLite database to itself; several share PostgreSQL',
		);
	}
	for (const [index, role] of roles.entries()) {
		if (roles.indexOf(role) !== index) throw new ConfigError(`roles: ${role} is named twice`);
		const {serves, runs} = roleTable[role];
		if (serves.length + runs.length === 0) throw new ConfigError(`roles: ${role} has nothing to do in this version`);
		if (federation.mode === 'off' && role.startsWith('federation-')) {
			throw new ConfigError(`roles: ${role} has nothing to do while federation.mode is off`);
		}
	}
}

/** Every listener must have something to serve, and every role that serves something a listener. */
function checkListeners(plan: ProcessPlan, {listeners}: Config): void {
	const named = `this process has ${plan.roles.join(', ')}`;
	for (const [index, {serves}] of listeners.entries()) {
		for (const group of serves) {
			if (routeTables.some((table) => table.serves === group && plan.serves.has(table.part))) continue;
			const servers = singleRoles.filter((role) => groupsOf(role).has(group));
			throw new ConfigError(`listeners[${index}].serves: ${group} is for the roles ${servers.join(', ')}; ${named}`);
		}
	}
	const offered = new Set<string>(listeners.flatMap(({serves}) => serves));
	for (const role of plan.roles) {
		const groups = [...groupsOf(role)];
		if (groups.length > 0 && !groups.some((group) => offered.has(group))) {
			throw new ConfigError(`roles: ${role} needs a listener that serves ${groups.join(' or ')}`);
		}
	}
}

/** The groups of listeners that serve what a role answers. */
function groupsOf(role: SingleRole): ReadonlySet<string> {
	const {serves} = roleTable[role];
	return new Set(routeTables.filter(({part}) => serves.includes(part)).map((table) => table.serves));
}
