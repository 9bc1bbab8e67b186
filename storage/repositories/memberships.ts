import {and, eq, isNull, sql} from 'drizzle-orm';
import {alias} from 'drizzle-orm/sqlite-core';
import type {RoomId, ServerName, UserId} from '../../crypto/index.ts';
import {above, bind, build, equals} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {Membership, MembershipRow, MembershipsRepository, ServerSpan} from '../interfaces/memberships.ts';
import {tables} from '../schema/index.ts';
import {pageOf, readInChunks} from './page.ts';

const {memberships, roomServers} = tables;

const everyMembership: readonly Membership[] = ['invite', 'join', 'knock', 'leave', 'ban'];

function createLists(core: Core) {
	const {catalog} = core;
	const find = core.one<{roomId: RoomId; userId: UserId}, MembershipRow>((p) =>
		build
			.select()
			.from(memberships)
			.where(and(equals(memberships.roomId, p.roomId), equals(memberships.userId, p.userId))),
	);
	const ofUser = core.many<{userId: UserId; memberships: readonly Membership[]}, MembershipRow>((p) =>
		build
			.select()
			.from(memberships)
			.where(
				and(
					equals(memberships.userId, p.userId),
					catalog.isOneOf(memberships.membership, p.memberships),
					eq(memberships.forgotten, sql`0`),
				),
			)
			.orderBy(memberships.roomId),
	);
	const forgottenOf = core.many<{userId: UserId; after: number}, MembershipRow>((p) =>
		build
			.select()
			.from(memberships)
			.where(
				and(equals(memberships.userId, p.userId), eq(memberships.forgotten, sql`1`), above(memberships.pos, p.after)),
			)
			.orderBy(memberships.roomId),
	);
	const ofRoom = (useMemberships: boolean, useAfter: boolean) =>
		core.many<{roomId: RoomId; memberships: readonly Membership[]; after: UserId; limit: number}, MembershipRow>((p) =>
			build
				.select()
				.from(memberships)
				.where(
					and(
						equals(memberships.roomId, p.roomId),
						useMemberships ? catalog.isOneOf(memberships.membership, p.memberships) : undefined,
						useAfter ? above(memberships.userId, p.after) : undefined,
					),
				)
				.orderBy(memberships.userId)
				.limit(p.limit.placeholder),
		);
	const localJoined = core.many<{roomId: RoomId}, {userId: UserId}>((p) =>
		build
			.select({userId: memberships.userId})
			.from(memberships)
			.where(and(equals(memberships.roomId, p.roomId), sql`membership = 'join' and is_local = 1`)),
	);
	const firstJoined = core.many<{roomId: RoomId; limit: number}, MembershipRow>((p) =>
		build
			.select()
			.from(memberships)
			.where(and(equals(memberships.roomId, p.roomId), eq(memberships.membership, 'join')))
			.orderBy(memberships.pos, memberships.userId)
			.limit(p.limit.placeholder),
	);
	const counts = core.many<{roomId: RoomId}, {membership: Membership; count: number}>((p) =>
		build
			.select({membership: memberships.membership, count: sql<number>`count(*)`})
			.from(memberships)
			.where(and(equals(memberships.roomId, p.roomId), sql`membership in ('join', 'invite')`))
			.groupBy(memberships.membership),
	);
	const ofRooms = [ofRoom(false, false), ofRoom(true, false), ofRoom(false, true), ofRoom(true, true)];
	return {find, forgottenOf, ofUser, ofRooms, localJoined, firstJoined, counts};
}

function createSharing(core: Core) {
	const {catalog} = core;
	const other = alias(memberships, 'other');
	const joined = and(
		eq(other.roomId, memberships.roomId),
		eq(memberships.membership, 'join'),
		eq(other.membership, 'join'),
	);
	const shared = core.many<{a: UserId; b: UserId; limit: number}, {roomId: RoomId}>((p) =>
		build
			.select({roomId: memberships.roomId})
			.from(memberships)
			.innerJoin(other, joined)
			.where(and(equals(memberships.userId, p.a), equals(other.userId, p.b)))
			.orderBy(memberships.roomId)
			.limit(p.limit.placeholder),
	);
	const sharedAfter = core.many<{a: UserId; b: UserId; after: RoomId; limit: number}, {roomId: RoomId}>((p) =>
		build
			.select({roomId: memberships.roomId})
			.from(memberships)
			.innerJoin(other, joined)
			.where(and(equals(memberships.userId, p.a), equals(other.userId, p.b), above(memberships.roomId, p.after)))
			.orderBy(memberships.roomId)
			.limit(p.limit.placeholder),
	);
	const countShared = core.one<{a: UserId; b: UserId}, {count: number}>((p) =>
		build
			.select({count: sql<number>`count(*)`})
			.from(memberships)
			.innerJoin(other, joined)
			.where(and(equals(memberships.userId, p.a), equals(other.userId, p.b))),
	);
	const peers = (useAfter: boolean) =>
		core.many<{userId: UserId; after: UserId; limit: number}, {userId: UserId}>((p) =>
			build
				.selectDistinct({userId: other.userId})
				.from(memberships)
				.innerJoin(other, joined)
				.where(and(equals(memberships.userId, p.userId), useAfter ? above(other.userId, p.after) : undefined))
				.orderBy(other.userId)
				.limit(p.limit.placeholder),
		);
	const sharing = core.many<{userId: UserId; others: readonly UserId[]}, {userId: UserId}>((p) =>
		build
			.selectDistinct({userId: other.userId})
			.from(memberships)
			.innerJoin(other, joined)
			.where(and(equals(memberships.userId, p.userId), catalog.isOneOf(other.userId, p.others))),
	);
	return {
		shared,
		sharedAfter,
		countShared,
		peers: peers(false),
		peersAfter: peers(true),
		sharing,
	};
}

function createAcquaintance(core: Core) {
	const {catalog} = core;
	const withServer = core.many<{server: ServerName; userIds: readonly UserId[]}, {userId: UserId}>((p) =>
		build
			.selectDistinct({userId: memberships.userId})
			.from(memberships)
			.innerJoin(roomServers, and(eq(roomServers.roomId, memberships.roomId), isNull(roomServers.toPos)))
			.where(
				and(
					catalog.isOneOf(memberships.userId, p.userIds),
					eq(memberships.membership, 'join'),
					equals(roomServers.server, p.server),
				),
			),
	);
	const invites = core.many<{userIds: readonly UserId[]}, {userId: UserId; sender: UserId}>((p) =>
		build
			.select({userId: memberships.userId, sender: memberships.sender})
			.from(memberships)
			.where(and(catalog.isOneOf(memberships.userId, p.userIds), sql`membership = 'invite' and forgotten = 0`)),
	);
	const servers = core.many<{userId: UserId}, {server: ServerName}>((p) =>
		build
			.selectDistinct({server: roomServers.server})
			.from(memberships)
			.innerJoin(roomServers, and(eq(roomServers.roomId, memberships.roomId), isNull(roomServers.toPos)))
			.where(and(equals(memberships.userId, p.userId), eq(memberships.membership, 'join'))),
	);
	return {withServer, invites, servers};
}

function createServers(core: Core) {
	const {catalog} = core;
	const add = core.put(
		catalog.write<{roomId: RoomId; server: ServerName; fromPos: number}>(
			(p) => sql`insert into ${roomServers} (room_id, server, from_pos, to_pos)
				select cast(${bind(roomServers.roomId, p.roomId)} as bigint), cast(${bind(roomServers.server, p.server)} as bigint),
					cast(${bind(roomServers.fromPos, p.fromPos)} as bigint), null
				where not exists (select 1 from ${roomServers}
					where ${equals(roomServers.roomId, p.roomId)} and ${equals(roomServers.server, p.server)} and to_pos is null)`,
		),
		{isLate: true},
	);
	const remove = core.put(
		catalog.write<{roomId: RoomId; server: ServerName; toPos: number}>(
			(p) => sql`update ${roomServers} set to_pos = ${bind(roomServers.toPos, p.toPos)}
				where ${equals(roomServers.roomId, p.roomId)} and ${equals(roomServers.server, p.server)} and to_pos is null`,
		),
		{isLate: true},
	);
	const now = core.many<{roomId: RoomId}, {server: ServerName}>((p) =>
		build
			.select({server: roomServers.server})
			.from(roomServers)
			.where(and(equals(roomServers.roomId, p.roomId), isNull(roomServers.toPos))),
	);
	const ofRoom = core.many<{roomId: RoomId}, ServerSpan>((p) =>
		build.select().from(roomServers).where(equals(roomServers.roomId, p.roomId)).orderBy(roomServers.fromPos),
	);
	const ofServer = core.many<{server: ServerName; after: number}, ServerSpan>((p) =>
		build
			.select()
			.from(roomServers)
			.where(
				and(
					equals(roomServers.server, p.server),
					sql`(${roomServers.toPos} is null or ${roomServers.toPos} > ${bind(roomServers.toPos, p.after)})`,
				),
			),
	);
	const present = core.many<{server: ServerName}, {roomId: RoomId}>((p) =>
		build
			.select({roomId: roomServers.roomId})
			.from(roomServers)
			.where(and(equals(roomServers.server, p.server), isNull(roomServers.toPos)))
			.limit(1),
	);
	const everIn = core.many<{roomId: RoomId; server: ServerName}, {roomId: RoomId}>((p) =>
		build
			.select({roomId: roomServers.roomId})
			.from(roomServers)
			.where(and(equals(roomServers.roomId, p.roomId), equals(roomServers.server, p.server)))
			.limit(1),
	);
	return {add, remove, now, ofRoom, ofServer, present, everIn};
}

/** Makes the repository of memberships. */
export function createMemberships(core: Core): MembershipsRepository {
	const {catalog} = core;
	const set = core.put(catalog.upsert(memberships, ['roomId', 'userId']));
	const forget = core.put(catalog.update(memberships, ['forgotten'], ['roomId', 'userId']), {isLate: true});
	const lists = createLists(core);
	const sharing = createSharing(core);
	const acquaintance = createAcquaintance(core);
	const servers = createServers(core);
	return {
		set: (batch, membership) => set(batch, {...membership, forgotten: false}),
		forget: (batch, roomId, userId) => forget(batch, {roomId, userId, forgotten: true}),
		find: (roomId, userId) => lists.find({roomId, userId}),
		listOfUser: (userId, of) => lists.ofUser({userId, memberships: of ?? everyMembership}),
		listForgotten: (userId, after) => lists.forgottenOf({userId, after}),
		listOfRoom(roomId, {memberships: of, after, limit}) {
			const list = lists.ofRooms[(of === undefined ? 0 : 1) + (after === undefined ? 0 : 2)]!;
			return list({roomId, memberships: of ?? [], after: after ?? ('' as UserId), limit: pageOf(limit)});
		},
		listLocalJoined: async (roomId) => (await lists.localJoined({roomId})).map(({userId}) => userId),
		listFirstJoined: (roomId, limit) => lists.firstJoined({roomId, limit: pageOf(limit)}),
		async count(roomId) {
			const counts = new Map((await lists.counts({roomId})).map(({membership, count}) => [membership, count]));
			return {join: counts.get('join') ?? 0, invite: counts.get('invite') ?? 0};
		},
		sharesRoom: async (a, b) => (await sharing.shared({a, b, limit: 1})).length > 0,
		async listShared(a, b, {after, limit}) {
			const page = {a, b, limit: pageOf(limit)};
			const rows = await (after === undefined ? sharing.shared(page) : sharing.sharedAfter({...page, after}));
			return rows.map(({roomId}) => roomId);
		},
		countShared: async (a, b) => (await sharing.countShared({a, b}))?.count ?? 0,
		async listPeers(userId, {after, limit}) {
			const list = after === undefined ? sharing.peers : sharing.peersAfter;
			return (await list({userId, after: after ?? ('' as UserId), limit: pageOf(limit)})).map((row) => row.userId);
		},
		async listSharing(userId, others) {
			const rows = await readInChunks(others, (chunk) => sharing.sharing({userId, others: chunk}));
			return rows.map((row) => row.userId);
		},
		listSharingWithServer: async (server, userIds) =>
			(await readInChunks(userIds, (chunk) => acquaintance.withServer({server, userIds: chunk}))).map(
				(row) => row.userId,
			),
		listInvites: (userIds) => readInChunks(userIds, (chunk) => acquaintance.invites({userIds: chunk})),
		listPeerServers: async (userId) => (await acquaintance.servers({userId})).map(({server}) => server),
		addServer: (batch, roomId, server, fromPos) => servers.add(batch, {roomId, server, fromPos}),
		removeServer: (batch, roomId, server, toPos) => servers.remove(batch, {roomId, server, toPos}),
		listServers: async (roomId) => (await servers.now({roomId})).map(({server}) => server),
		isServerPresent: async (server) => (await servers.present({server})).length > 0,
		hasServerBeenIn: async (roomId, server) => (await servers.everIn({roomId, server})).length > 0,
		listServerSpansOfRoom: (roomId) => servers.ofRoom({roomId}),
		listServerSpans: (server, after) => servers.ofServer({server, after}),
	};
}
