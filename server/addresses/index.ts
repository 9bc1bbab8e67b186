export {
	type Addresses,
	type AddressesDependencies,
	type ClientProof,
	type ClientRequest,
	createAddresses,
	isAskedBy,
	mustReadAddress,
	type OwnAddress,
	sessionIdOf,
} from './addresses.ts';
export {AddressesError, type AddressesErrorCode} from './errors.ts';
export {
	findLink,
	FRESH_MAILS_MAX,
	LINK_FAILURES_MAX,
	type LinkDependencies,
	MAIL_LINK,
	sendLink,
	textOf,
} from './links.ts';
