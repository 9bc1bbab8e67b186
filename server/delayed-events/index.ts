export {createDelayedEvents, type DelayedEvents} from './delayed-events.ts';
export {DelayedEventsError, type DelayedEventsErrorCode} from './errors.ts';
export {type Delivery, SEND_DELAYED_EVENT} from './deliver.ts';
export {DELAY_MS_MAX, type NewDelayedEvent} from './schedule.ts';
