/** Which subjects a probe is asked about. */
import type {ConfigurationName, Probe} from '../probe.ts';
import {PERSON_CLASSES, type Subject, type SubjectKind} from '../subjects.ts';
import type {World} from '../world.ts';

/** Names whose very form says that nobody can register them. */
const ODD_FORMS = new Set(PERSON_CLASSES.filter(({form}) => form !== undefined).map(({name}) => name));

/** What colleagues may know of. */
const OF_COLLEAGUES: ReadonlySet<SubjectKind> = new Set(['person', 'alias']);

/**
 * Whether a probe makes sense where the server is set up like this. People of a server whose registration is not open are
 * colleagues, who may know of each other and of each other's aliases: questions about those are then for outsiders and other servers.
 */
export function isAsked({asker, about, on}: Probe, configuration: ConfigurationName): boolean {
	if (on !== undefined && !on.includes(configuration)) return false;
	return asker !== 'stranger' || !OF_COLLEAGUES.has(about) || configuration === 'open';
}

/** Chooses the subjects of a probe, in random order, of each class the same part where it asks about few. */
export function chooseSubjects({population, random}: World, probe: Probe): Subject[] {
	const all = population.subjects.filter(
		({kind, class: name}) => kind === probe.about && !(probe.isFormTold === true && ODD_FORMS.has(name)),
	);
	const shuffled = random.shuffle(all);
	const max = probe.samplesMax === undefined ? shuffled.length : probe.samplesMax * 2;
	if (shuffled.length <= max) return shuffled;
	const byClass = groupBy(shuffled, ({class: name}) => name);
	const part = max / shuffled.length;
	return random.shuffle(
		[...byClass.values()].flatMap((subjects) => subjects.slice(0, Math.max(1, Math.floor(subjects.length * part)))),
	);
}

/** Sorts items by what `keyOf` says of them. */
export function groupBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item[]> {
	const groups = new Map<string, Item[]>();
	for (const item of items) {
		const group = groups.get(keyOf(item));
		if (group === undefined) groups.set(keyOf(item), [item]);
		else group.push(item);
	}
	return groups;
}
