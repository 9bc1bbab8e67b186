import type {Route} from '../../http/index.ts';
import type {Services} from '../../services.ts';
import {getRegistrationNonce, registerWithSharedSecret} from './register.ts';

/** What administrators' tools ask for, in the form of Synapse's admin API. */
export const adminRoutes: readonly Route<Services>[] = [getRegistrationNonce, registerWithSharedSecret];
