import type {ThumbnailRequest} from '../media/index.ts';
import {v} from '../validation/index.ts';

/** A side of a picture in points; nobody has a larger screen. */
const sideMax = 100_000;

/** The query of every endpoint that gives pictures in small. */
export const thumbnailFields = {
	width: v.integer({min: 1, max: sideMax}),
	height: v.integer({min: 1, max: sideMax}),
	method: v.optional(v.literal('crop', 'scale')),
	animated: v.optional(v.boolean()),
};

/** Reads {@link thumbnailFields}. */
export function thumbnailRequest(query: {
	readonly width: number;
	readonly height: number;
	readonly method?: 'crop' | 'scale' | undefined;
	readonly animated?: boolean | undefined;
}): ThumbnailRequest {
	const {width, height, method = 'scale', animated = false} = query;
	return {width, height, method, mayMove: animated};
}
