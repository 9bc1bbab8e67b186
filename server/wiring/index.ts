export {createFederation, type Federation, type FederationParts, federationServices} from './federation.ts';
export {createPersonal, type Personal, type PersonalParts} from './personal.ts';
