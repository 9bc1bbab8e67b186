declare const brand: unique symbol;
type Branded<Name extends string> = string & {readonly [brand]: Name};

/** `@localpart:server`. */
export type UserId = Branded<'UserId'>;
/** `!opaque:server`, or from room version 12 on `!` and 43 characters of the create event's hash. */
export type RoomId = Branded<'RoomId'>;
/** `$opaque:server` in room versions 1 and 2, `$` and 43 base64 characters later. */
export type EventId = Branded<'EventId'>;
/** `#localpart:server`. */
export type RoomAlias = Branded<'RoomAlias'>;
/** `host` or `host:port`, as in the specification's server name grammar; case-sensitive. */
export type ServerName = Branded<'ServerName'>;
/** A device's id, opaque, at most 255 bytes. */
export type DeviceId = Branded<'DeviceId'>;
