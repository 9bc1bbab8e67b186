import type {ErrorMapper} from '../http/index.ts';

/**
 * How the errors of the domains are answered: one row for each error class, made with `mapErrors`. A code of an error
 * class that has no row does not compile.
 */
export const errorMappers: readonly ErrorMapper[] = [];
