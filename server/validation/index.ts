export {
	type Infer,
	type ObjectSchema,
	type OptionalSchema,
	type Schema,
	SchemaError,
	type SchemaKind,
	schemaOf,
} from './schema.ts';
export {v} from './v.ts';
