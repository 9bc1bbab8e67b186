import {domainOf, isUserId, type UserId} from '../../../crypto/index.ts';
import {isMembership} from '../membership.ts';
import type {Membership, Verdict} from '../pdu.ts';
import type {AuthCheck, MemberCheck} from './auth-check.ts';
import {checkBan} from './ban.ts';
import {checkInvite} from './invite.ts';
import {checkJoin} from './join.ts';
import {checkKnock} from './knock.ts';
import {checkLeave} from './leave.ts';
import {refuse} from './verdict.ts';

const rules: Readonly<Record<Membership, (check: MemberCheck) => Verdict>> = {
	join: checkJoin,
	invite: checkInvite,
	leave: checkLeave,
	ban: checkBan,
	knock: checkKnock,
};

/** Rule 4 or 5: `m.room.member`. Numbers in these files are those of room version 12, where member is rule 5. */
export function checkMember(check: AuthCheck): Verdict {
	const {event, version, numbers} = check;
	const membership = event.content['membership'];
	// 5.1: If there is no state_key property, or no membership property in content, reject.
	if (event.stateKey === undefined) return refuse(`${numbers.member}.1`, 'the member event has no state_key');
	if (membership === undefined) return refuse(`${numbers.member}.1`, 'the member event has no membership');
	if (version.hasRestrictedJoins && !isSignedByAuthorisingServer(check)) {
		// 5.2.1 (from version 8): If content has a join_authorised_via_users_server key and the event is not validly signed
		// by the homeserver of the user ID denoted by the key, reject.
		return refuse(`${numbers.authorisingServer}.1`, 'the server that authorised the join has not signed');
	}
	if (isMembership(membership) && (membership !== 'knock' || version.hasKnocking)) {
		return rules[membership]({...check, target: event.stateKey as UserId});
	}
	// 5.8: Otherwise, the membership is unknown. Reject.
	return refuse(numbers.unknownMembership, 'the membership is unknown');
}

/**
 * Only looks whether a signature of that server is there: that it is valid is found before, since `signaturesRequired`
 * lists that server.
 */
function isSignedByAuthorisingServer({event}: AuthCheck): boolean {
	const authoriser = event.content['join_authorised_via_users_server'];
	if (authoriser === undefined) return true;
	if (!isUserId(authoriser)) return false;
	const server = domainOf(authoriser);
	const signatures = Object.hasOwn(event.signatures, server) ? event.signatures[server] : undefined;
	return signatures !== undefined && Object.keys(signatures).length > 0;
}
