import {createHash} from 'node:crypto';
import {LRUCache} from 'lru-cache';
import {isRoomId, isUserId, type JsonObject, type RoomId, type UserId} from '../../crypto/index.ts';
import type {Storage} from '../../storage/index.ts';
import type {AccountData} from '../account-data/index.ts';
import {type CopiedRule, copyRulesOfRoom} from './carry-over.ts';
import {PushError} from './errors.ts';
import {type CompiledRuleset, compileRuleset} from './evaluate.ts';
import type {NewRule, PushRule, RuleKind, Ruleset} from './rule.ts';
import {readStoredRules, RULES_TYPE, rulesetOf, type StoredRules, writeStoredRules} from './stored-rules.ts';

/** Rules of their own that a user may have. */
const OWN_RULES_MAX = 500;
/** Users whose rules are kept ready for use. */
const RULESETS_MAX = 20_000;

/** Where a new rule stands: next to another of the user's rules. */
export interface RulePlace {
	readonly before?: string | undefined;
	readonly after?: string | undefined;
}

/** The rules by which people are notified. @see https://spec.matrix.org/v1.19/client-server-api/#push-rules */
export interface PushRules {
	/** Gives all rules of a user. */
	getAll(userId: UserId): Promise<Ruleset>;
	/** Gives all rules from what is stored as account data, as it is shown in `/sync`. */
	fromAccountData(userId: UserId, content: JsonObject | undefined): Ruleset;
	/** @throws PushError 'unknown-rule' */
	get(userId: UserId, kind: RuleKind, ruleId: string): Promise<PushRule>;
	/** Adds a rule, or replaces the user's own one of this id. @throws PushError */
	set(userId: UserId, kind: RuleKind, ruleId: string, rule: NewRule, place: RulePlace): Promise<void>;
	/** @throws PushError 'unknown-rule' */
	remove(userId: UserId, kind: RuleKind, ruleId: string): Promise<void>;
	/** Turns a rule on or off, or changes what it does. @throws PushError */
	change(
		userId: UserId,
		kind: RuleKind,
		ruleId: string,
		change: Partial<Pick<PushRule, 'enabled' | 'actions'>>,
	): Promise<void>;
	/** Adds for a room what the user's own rules say of another, as far as more rules may be added. */
	copyForRoom(userId: UserId, from: RoomId, to: RoomId): Promise<void>;
	/** Gives a user's rules, ready to be evaluated. */
	findCompiled(userId: UserId): Promise<CompiledRuleset> | CompiledRuleset;
	/** Stops following the stream. */
	close(): void;
}

/** Makes the domain. */
export function createPushRules({
	storage,
	accountData,
}: {
	readonly storage: Storage;
	readonly accountData: AccountData;
}): PushRules {
	const compiled = new LRUCache<UserId, CompiledRuleset>({maxSize: RULESETS_MAX, sizeCalculation: () => 1});
	let drops = 0;
	const close = storage.onCommitted((changes) => {
		for (const {kind, subject} of changes) {
			if (kind !== 'account_data') continue;
			drops += 1;
			compiled.delete(subject as UserId);
		}
	});
	const keyOf = (userId: UserId) => ({userId, roomId: null, type: RULES_TYPE}) as const;
	const getAll = async (userId: UserId): Promise<Ruleset> =>
		rulesetOf(userId, readStoredRules(await accountData.find(keyOf(userId))));
	const update = (userId: UserId, change: (stored: StoredRules) => StoredRules): Promise<void> =>
		accountData.update(keyOf(userId), (content) => writeStoredRules(change(readStoredRules(content))));
	return {
		close,
		getAll,
		fromAccountData: (userId, content) => rulesetOf(userId, readStoredRules(content)),
		get: async (userId, kind, ruleId) => findRule(await getAll(userId), kind, ruleId),
		set: (userId, kind, ruleId, rule, place) =>
			update(userId, (stored) => withRule(stored, {kind, ruleId, rule, place})),
		remove: (userId, kind, ruleId) =>
			update(userId, (stored) => {
				const kept = stored.own[kind].filter((rule) => rule.rule_id !== ruleId);
				if (kept.length === stored.own[kind].length) throw unknownRule();
				return {...stored, own: {...stored.own, [kind]: kept}};
			}),
		change: (userId, kind, ruleId, change) =>
			update(userId, (stored) => {
				findRule(rulesetOf(userId, stored), kind, ruleId);
				if (ruleId.startsWith('.')) {
					const changed = new Map(stored.changed);
					return {...stored, changed: changed.set(ruleId, {...changed.get(ruleId), ...change})};
				}
				const rules = stored.own[kind].map((rule) => (rule.rule_id === ruleId ? {...rule, ...change} : rule));
				return {...stored, own: {...stored.own, [kind]: rules}};
			}),
		copyForRoom: (userId, from, to) =>
			accountData.update(keyOf(userId), (content) => {
				const stored = readStoredRules(content);
				const copies = copyRulesOfRoom(stored.own, from, to);
				return copies.length === 0 ? undefined : writeStoredRules(copies.reduce(withCopy, stored));
			}),
		findCompiled: (userId) =>
			compiled.get(userId) ??
			(async () => {
				const dropsBefore = drops;
				const content = await accountData.find(keyOf(userId));
				const rules = compileRuleset(rulesetOf(userId, readStoredRules(content)), {userId, key: keyOfContent(content)});
				if (drops === dropsBefore) compiled.set(userId, rules);
				return rules;
			})(),
	};
}

/** Gives what is the same for all who have stored the same. */
function keyOfContent(content: JsonObject | undefined): string {
	return content === undefined ? '' : createHash('sha256').update(JSON.stringify(content)).digest('base64');
}

/** Adds a rule behind the others of its kind; one of the same id stays as it is. */
function withCopy(stored: StoredRules, {kind, rule}: CopiedRule): StoredRules {
	const rules = stored.own[kind];
	const isKnown = rules.some((candidate) => candidate.rule_id === rule.rule_id);
	if (isKnown || Object.values(stored.own).flat().length >= OWN_RULES_MAX) return stored;
	return {...stored, own: {...stored.own, [kind]: [...rules, rule]}};
}

const unknownRule = (): PushError => new PushError('unknown-rule', 'There is no such push rule');

function findRule(ruleset: Ruleset, kind: RuleKind, ruleId: string): PushRule {
	const rule = ruleset[kind].find((candidate) => candidate.rule_id === ruleId);
	if (!rule) throw unknownRule();
	return rule;
}

interface RuleWish {
	readonly kind: RuleKind;
	readonly ruleId: string;
	readonly rule: NewRule;
	readonly place: RulePlace;
}

function withRule(stored: StoredRules, {kind, ruleId, rule, place}: RuleWish): StoredRules {
	checkRule(kind, ruleId, rule);
	const rules = stored.own[kind];
	const existing = rules.find((candidate) => candidate.rule_id === ruleId);
	const others = rules.filter((candidate) => candidate !== existing);
	if (Object.values(stored.own).flat().length >= OWN_RULES_MAX && !existing) {
		throw new PushError('too-many-rules', `No more than ${OWN_RULES_MAX} push rules`);
	}
	const made: PushRule = {
		rule_id: ruleId,
		default: false,
		enabled: existing?.enabled ?? true,
		actions: rule.actions,
		...((kind === 'override' || kind === 'underride') && {conditions: rule.conditions ?? []}),
		...(kind === 'content' && {pattern: rule.pattern ?? ''}),
	};
	const isMoved = place.before !== undefined || place.after !== undefined;
	if (existing && !isMoved) {
		const replaced = rules.map((candidate) => (candidate === existing ? made : candidate));
		return {...stored, own: {...stored.own, [kind]: replaced}};
	}
	return {...stored, own: {...stored.own, [kind]: others.toSpliced(indexAt(others, place), 0, made)}};
}

/** New rules count before older ones unless they are told where to stand. */
function indexAt(rules: readonly PushRule[], {before, after}: RulePlace): number {
	const neighbour = before ?? after;
	if (neighbour === undefined) return 0;
	const index = rules.findIndex((rule) => rule.rule_id === neighbour);
	if (index === -1) throw unknownRule();
	return before === undefined ? index + 1 : index;
}

function checkRule(kind: RuleKind, ruleId: string, rule: NewRule): void {
	const isId = ruleId !== '' && !ruleId.startsWith('.') && !/[/\\]/u.test(ruleId);
	if (!isId) throw new PushError('invalid-rule', 'A rule id has no slashes and does not begin with a dot');
	if (kind === 'room' && !isRoomId(ruleId)) throw new PushError('invalid-rule', 'The id of a room rule is a room id');
	if (kind === 'sender' && !isUserId(ruleId))
		throw new PushError('invalid-rule', 'The id of a sender rule is a user id');
	if (kind === 'content' && rule.pattern === undefined)
		throw new PushError('invalid-rule', 'A content rule has a pattern');
}
