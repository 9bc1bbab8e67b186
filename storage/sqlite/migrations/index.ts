import type {Migration} from '../../migrate.ts';
import {firstLight} from './0001-first-light.ts';

/** Every step of the schema, in order. A released step is never changed. */
export const migrations: readonly Migration[] = [{version: 1, sql: firstLight}];
