import type {Language} from '../../mail/index.ts';
import {ar} from './ar.ts';
import {de} from './de.ts';
import {en, type NoticeTexts} from './en.ts';
import {es} from './es.ts';
import {fa} from './fa.ts';
import {fr} from './fr.ts';

export type {NoticeTexts} from './en.ts';

/** What people are told, in every language. */
export const texts: Readonly<Record<Language, NoticeTexts>> = {ar, de, en, es, fa, fr};
