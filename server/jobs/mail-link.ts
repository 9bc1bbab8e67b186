import {MAIL_LINK} from '../addresses/index.ts';
import type {Job} from './job.ts';

export const mailLink: Job = {
	id: MAIL_LINK,
	does: 'Mails a link by which somebody confirms an address or sets a new password; tried again for half an hour.',
	everyMs: null,
	atMost: 'the accounts with one address',
	role: 'background',
	async run({addresses, recovery}, {payload}) {
		const count =
			payload['purpose'] === 'address' ? Number(await addresses.mailLink(payload)) : await recovery.mailLinks(payload);
		return {isDone: true, count};
	},
};
