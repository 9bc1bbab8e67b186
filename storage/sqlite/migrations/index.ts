import type {Migration} from '../../migrate.ts';
import {firstLight} from './0001-first-light.ts';
import {sweeps} from './0002-sweeps.ts';
import {slidingSnapshots} from './0003-sliding-snapshots.ts';
import {backupsAndDehydration} from './0004-backups-and-dehydration.ts';
import {conversations} from './0005-conversations.ts';
import {thumbnails} from './0006-thumbnails.ts';
import {calls} from './0007-calls.ts';
import {mediaUsage} from './0008-media-usage.ts';
import {facts} from './0009-facts.ts';
import {leastData} from './0010-least-data.ts';
import {webSessions} from './0011-web-sessions.ts';
import {factors} from './0012-factors.ts';
import {oauth} from './0013-oauth.ts';
import {audit} from './0014-audit.ts';
import {guard} from './0015-guard.ts';
import {identity} from './0016-identity.ts';
import {mailBoxes} from './0017-mail-boxes.ts';
import {upstreamConsents} from './0018-upstream-consents.ts';
import {mailCounts} from './0019-mail-counts.ts';

/** Every step of the schema, in order. A released step is never changed. */
export const migrations: readonly Migration[] = [
	{version: 1, sql: firstLight},
	{version: 2, sql: sweeps},
	{version: 3, sql: slidingSnapshots},
	{version: 4, sql: backupsAndDehydration},
	{version: 5, sql: conversations},
	{version: 6, sql: thumbnails},
	{version: 7, sql: calls},
	{version: 8, sql: mediaUsage},
	{version: 9, sql: facts},
	{version: 10, sql: leastData},
	{version: 11, sql: webSessions},
	{version: 12, sql: factors},
	{version: 13, sql: oauth},
	{version: 14, sql: audit},
	{version: 15, sql: guard},
	{version: 16, sql: identity},
	{version: 17, sql: mailBoxes},
	{version: 18, sql: upstreamConsents},
	{version: 19, sql: mailCounts},
];
