import type {ThumbnailForm} from './thumbnail-forms.ts';

/** What the program that makes thumbnails is told, as JSON in its argument. */
export interface ThumbnailOrder extends Pick<ThumbnailForm, 'size' | 'fit'> {
	readonly mayMove: boolean;
	/** Points of the picture, those of all its frames together: more are not decoded. */
	readonly pixelsMax: number;
}

/** How the program ends where it made none. */
export const exitCodes = {notAPicture: 3, tooManyPixels: 4} as const;
