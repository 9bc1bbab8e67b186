export {wireEncryption} from './encryption.ts';
export {createFederation, type Federation, type FederationParts, federationServices} from './federation.ts';
export {publishFigures} from './figures.ts';
export {createInvitePolicy} from './invite-policy.ts';
export {createHealth, Damage} from './health.ts';
export {type CarryOver, createPersonal, type Personal, type PersonalParts} from './personal.ts';
export {adaptRemoteRooms} from './remote-rooms.ts';
export {wireMedia} from './media.ts';
export {createJobRunner} from './jobs.ts';
