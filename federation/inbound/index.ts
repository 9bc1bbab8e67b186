export type {Edu, EduReceiver, EduReceivers} from './edus.ts';
export {type InboundTransaction, roomIdOf, Staging, type StagingOptions} from './staging.ts';
export {EDUS_MAX, PDUS_MAX, takeTransaction, type TransactionContext, type TransactionRequest} from './transactions.ts';
