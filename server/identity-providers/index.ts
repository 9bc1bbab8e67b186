export {IdentityError, type IdentityErrorCode} from './errors.ts';
export {createIdentityProviders, type IdentityProviders, type ShownProvider} from './identity-providers.ts';
export type {ProviderFetch} from './provider-fetch.ts';
export {createPasswordDirectory} from './password-directory.ts';
