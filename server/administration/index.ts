import type {AdministrationDependencies} from './context.ts';
import {createPeople, type People} from './people.ts';
import {createRegistrationTokens, type RegistrationTokens} from './tokens.ts';

export type {AdministrationDependencies} from './context.ts';
export {AdministrationError, type AdministrationErrorCode} from './errors.ts';
export type {AccountWish, AdministeredAccount, People} from './people.ts';
export type {RegistrationTokens, TokenBounds} from './tokens.ts';

/** What administrators do. Whether somebody is one is for the caller to see; every act is written into the audit log. */
export interface Administration {
	readonly people: People;
	readonly tokens: RegistrationTokens;
}

/** Makes the domain. */
export function createAdministration(dependencies: AdministrationDependencies): Administration {
	return {people: createPeople(dependencies), tokens: createRegistrationTokens(dependencies)};
}
