export {createEvents, type Events, type EventsDependencies, type RenderOptions, type Viewer} from './events.ts';
export {arrayText, objectText} from './json-text.ts';
export type {Standing} from './memberships.ts';
export type {RenderedEvent} from './rendered.ts';
export type {ThreadSummary} from './bundles.ts';
export type {Unwanted} from './unwanted.ts';
export {
	boundAt,
	pointAfter,
	pointBefore,
	readPlaceToken,
	type TimelinePoint,
	writePlaceToken,
} from './place-token.ts';
