export {type BridgedNames, createBridgedNames} from './bridged-names.ts';
