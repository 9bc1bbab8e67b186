import type {Route} from '../../http/index.ts';
import type {Services} from '../../services.ts';
import {listProbes} from './probes.ts';
import {getRegistrationNonce, registerWithSharedSecret} from './register.ts';

/** What administrators' tools ask for: in the form of Synapse's admin API where that has it. */
export const adminRoutes: readonly Route<Services>[] = [listProbes, getRegistrationNonce, registerWithSharedSecret];
