export {ReceiptsError, type ReceiptsErrorCode} from './errors.ts';
export {
	createReceipts,
	type NewReceipt,
	type Receipts,
	type ReceiptsDependencies,
	type ReceiptType,
} from './receipts.ts';
export {findThreadOf, MAIN_THREAD, type ThreadPlace} from './threads.ts';
