export type {DeviceId, EventId, RoomAlias, RoomId, ServerName, UserId} from './identifiers.ts';
export {type JsonObject, type JsonValue, LosslessNumber} from './json.ts';
