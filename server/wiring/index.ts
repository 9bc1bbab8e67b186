export {createFederation, type Federation, type FederationParts, federationServices} from './federation.ts';
