import type {RoomVersionId} from '../pdu.ts';
import {ROOM_VERSIONS, type RoomVersion} from '../versions.ts';

/**
 * The numbers which a room version's specification gives to its authorisation rules. A rule that a version does not
 * have keeps an empty number, which no verdict ever shows.
 */
export interface RuleNumbers {
	readonly room: string;
	readonly authEvents: string;
	readonly federate: string;
	readonly aliases: string;
	readonly member: string;
	readonly senderNotJoined: string;
	readonly thirdPartyInvite: string;
	readonly requiredLevel: string;
	readonly ownStateKey: string;
	readonly powerLevels: string;
	readonly redaction: string;
	readonly createCreator: string;
	readonly authorisingServer: string;
	readonly join: string;
	readonly invite: string;
	readonly leave: string;
	readonly ban: string;
	readonly knock: string;
	readonly unknownMembership: string;
	readonly joinRestricted: string;
	readonly joinOtherwise: string;
	readonly levelProperties: string;
	readonly levelMaps: string;
	readonly levelUsers: string;
	readonly levelCreators: string;
	readonly propertyChanged: string;
	readonly mapEntryRemoved: string;
	readonly mapEntryAdded: string;
	readonly userEntryRemoved: string;
	readonly userEntryAdded: string;
}

type Row<Name extends string> = readonly [name: Name, exists?: (version: RoomVersion) => boolean];

const isHashRoom = (version: RoomVersion) => version.roomIds === 'create-event-hash';
const isStrictLevels = (version: RoomVersion) => version.powerLevelValues === 'integer';
const isRestricted = (version: RoomVersion) => version.hasRestrictedJoins;

// The rules in the order in which they stand in the specification; numbers follow from which of them exist.
const topRules = [
	['create'],
	['room', isHashRoom],
	['authEvents'],
	['federate'],
	['aliases', (version) => version.hasAliasesRule],
	['member'],
	['senderNotJoined'],
	['thirdPartyInvite'],
	['requiredLevel'],
	['ownStateKey'],
	['powerLevels'],
	['redaction', (version) => version.hasRedactionRule],
] as const satisfies readonly Row<string>[];

const memberRules = [
	['memberFields'],
	['authorisingServer', isRestricted],
	['join'],
	['invite'],
	['leave'],
	['ban'],
	['knock', (version) => version.hasKnocking],
	['unknownMembership'],
] as const satisfies readonly Row<string>[];

const joinRules = [
	['joinFirst'],
	['joinForAnother'],
	['joinBanned'],
	['joinInvited'],
	['joinRestricted', isRestricted],
	['joinPublic'],
	['joinOtherwise'],
] as const satisfies readonly Row<string>[];

const powerLevelRules = [
	['levelProperties', isStrictLevels],
	['levelMaps', isStrictLevels],
	['levelUsers'],
	['levelCreators', (version) => version.creatorsAreUnlimited],
	['levelsFirst'],
	['propertyChanged'],
	['mapEntryRemoved'],
	['mapEntryAdded'],
	['userEntryRemoved'],
	['userEntryAdded'],
] as const satisfies readonly Row<string>[];

function numberRules<Name extends string>(
	version: RoomVersion,
	rows: readonly Row<Name>[],
	prefix: string,
): Record<Name, string> {
	const numbers: Partial<Record<Name, string>> = {};
	let last = 0;
	for (const [name, exists] of rows) {
		if (exists !== undefined && !exists(version)) {
			numbers[name] = '';
			continue;
		}
		last += 1;
		numbers[name] = `${prefix}${last}`;
	}
	return numbers as Record<Name, string>;
}

function numbersOf(version: RoomVersion): RuleNumbers {
	const top = numberRules<(typeof topRules)[number][0]>(version, topRules, '');
	const member = numberRules<(typeof memberRules)[number][0]>(version, memberRules, `${top.member}.`);
	const join = numberRules<(typeof joinRules)[number][0]>(version, joinRules, `${member.join}.`);
	const levels = numberRules<(typeof powerLevelRules)[number][0]>(version, powerLevelRules, `${top.powerLevels}.`);
	return {...top, ...member, ...join, ...levels, createCreator: '1.4'};
}

const byVersion: ReadonlyMap<RoomVersionId, RuleNumbers> = new Map(
	ROOM_VERSIONS.map((version) => [version.id, numbersOf(version)]),
);

/** Gives the numbers of a room version's authorisation rules. */
export function ruleNumbers(version: RoomVersionId): RuleNumbers {
	return byVersion.get(version) as RuleNumbers;
}
