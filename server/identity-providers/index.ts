export {IdentityError, type IdentityErrorCode} from './errors.ts';
export {createIdentityProviders, type IdentityProviders, type ShownProvider} from './identity-providers.ts';
export {createPasswordDirectory} from './password-directory.ts';
