import {routeMaker} from '../http/index.ts';
import type {Services} from '../services.ts';

/** Declares an endpoint; its handler is given this server's services. */
export const route = routeMaker<Services>();
