import {readdirSync, readFileSync} from 'node:fs';
import path from 'node:path';
import test from 'ava';
import type {JsonObject, UserId} from '../../../../crypto/index.ts';
import type {Pdu} from '../../../../federation/rooms/index.ts';
import {alice, createTimeline, levelsFor, outcome, versionsOf} from '../timeline.ts';

/** One step of a fixture: an event, and what each room version's rules say of it. */
interface Step {
	readonly type: string;
	readonly sender: string;
	readonly state_key?: string;
	readonly content?: JsonObject;
	/** Index of an earlier step, or `create`: what a redaction names. */
	readonly redacts?: number | 'create';
	readonly signed_by?: string[];
	/** By ranges of versions `allow` or a rule's number; absent: allowed in all. */
	readonly verdict?: Record<string, string>;
	/** Asked only, without effect on the room even where allowed. */
	readonly probe?: boolean;
}

interface Fixture {
	/** What the timeline shows, as a sentence. */
	readonly title: string;
	readonly versions: string;
	readonly create_content?: JsonObject;
	readonly join_rules?: JsonObject;
	/** The creator is added to `users` in versions that want it there. */
	readonly power_levels?: JsonObject;
	readonly steps: Step[];
}

const folder = path.join(process.cwd(), 'test/federation/rooms/fixtures');

for (const file of readdirSync(folder).toSorted()) {
	const fixture = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as Fixture;
	for (const version of versionsOf(fixture.versions)) {
		test(`${fixture.title}, in room version ${version}`, (t) => {
			const room = createTimeline({
				version,
				createContent: fixture.create_content ?? {},
				joinRules: fixture.join_rules ?? {join_rule: 'public'},
				...(fixture.power_levels ? {powerLevels: levelsFor(version, fixture.power_levels)} : {}),
			});
			const sent: (Pdu | undefined)[] = [];
			for (const [index, step] of fixture.steps.entries()) {
				const target = step.redacts === 'create' ? room.create : sent[step.redacts ?? -1];
				const isPowerLevels = step.type === 'm.room.power_levels' && step.sender === alice;
				const draft = {
					type: step.type,
					sender: step.sender as UserId,
					...(step.state_key === undefined ? {} : {stateKey: step.state_key}),
					content: isPowerLevels ? levelsFor(version, step.content) : (step.content ?? {}),
					...(target === undefined ? {} : {redacts: target.eventId}),
					signedBy: step.signed_by ?? [],
				};
				const [, expected = 'allow'] =
					Object.entries(step.verdict ?? {}).find(([range]) => versionsOf(range).includes(version)) ?? [];
				t.is(outcome(room.check(draft)), expected, `${file}, step ${index}`);
				sent.push(expected === 'allow' && !step.probe ? room.send(draft) : undefined);
			}
		});
	}
}
