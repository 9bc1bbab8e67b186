export {Delivery, type DeliveryContext} from './delivery.ts';
export {PushersError, type PushersErrorCode} from './errors.ts';
export type {Pusher, PusherKey, SetPusher} from './pusher.ts';
export {createPushers, type PusherOwner, type Pushers} from './pushers.ts';
