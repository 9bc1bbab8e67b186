import type {RegistrationTokens} from '../../administration/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

type Row = Awaited<ReturnType<RegistrationTokens['get']>>;

const path = '/_synapse/admin/v1/registration_tokens';

/**
 * A token as Synapse shows it. In the token's place stands the hash by which it is kept, which nobody can register with. A
 * use is counted when the account is made, so none is pending.
 */
const toToken = ({tokenHash, name, usesAllowed, usesDone, expiresTs}: Row) => ({
	token: tokenHash,
	name,
	uses_allowed: usesAllowed,
	pending: 0,
	completed: usesDone,
	expiry_time: expiresTs,
});

/** Lists the tokens that let people register. */
export const listRegistrationTokens = route({
	id: 'adminListRegistrationTokens',
	method: 'GET',
	path,
	auth: 'admin',
	query: v.object({valid: v.optional(v.boolean())}),
	handle: async ({query}, {administration}) => ({
		registration_tokens: (await administration.tokens.list(query.valid)).map(toToken),
	}),
});

/** Gives one token, by itself or by its hash. */
export const getRegistrationToken = route({
	id: 'adminGetRegistrationToken',
	method: 'GET',
	path: `${path}/:token`,
	auth: 'admin',
	handle: async ({parameters}, {administration}) => toToken(await administration.tokens.get(parameters.token)),
});

const bounds = {
	uses_allowed: v.optional(v.nullable(v.integer({min: 0}))),
	expiry_time: v.optional(v.nullable(v.integer({min: 0}))),
};

/** Makes a token, which is shown this once. How long it is, is ours to say: `length` is not looked at. */
export const createRegistrationToken = route({
	id: 'adminCreateRegistrationToken',
	method: 'POST',
	path: `${path}/new`,
	auth: 'admin',
	body: v.object({...bounds, token: v.optional(v.string()), length: v.optional(v.nullable(v.integer()))}),
	async handle({caller, body}, {administration: {tokens}}) {
		const {token: text, uses_allowed: usesAllowed = null, expiry_time: expiresTs = null} = body;
		const token = await tokens.create(caller.userId, {text: text === '' ? undefined : text, usesAllowed, expiresTs});
		return {...toToken(await tokens.get(token)), token};
	},
});

/** Changes how often and how long a token is good. */
export const putRegistrationToken = route({
	id: 'adminPutRegistrationToken',
	method: 'PUT',
	path: `${path}/:token`,
	auth: 'admin',
	body: v.object(bounds),
	handle: async ({caller, parameters, body}, {administration}) =>
		toToken(
			await administration.tokens.change(caller.userId, parameters.token, {
				...(body.uses_allowed !== undefined && {usesAllowed: body.uses_allowed}),
				...(body.expiry_time !== undefined && {expiresTs: body.expiry_time}),
			}),
		),
});

/** Takes a token back. */
export const deleteRegistrationToken = route({
	id: 'adminDeleteRegistrationToken',
	method: 'DELETE',
	path: `${path}/:token`,
	auth: 'admin',
	async handle({caller, parameters}, {administration}) {
		await administration.tokens.remove(caller.userId, parameters.token);
		return {};
	},
});
