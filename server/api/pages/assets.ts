import {content} from '../../http/index.ts';
import {authDonePath, authDoneScript, style, stylePath} from '../../pages/index.ts';
import {route} from '../route.ts';

const headers = {'cache-control': 'max-age=3600', 'x-content-type-options': 'nosniff'};

/** The style of all pages. */
export const getStyle = route({
	id: 'getPageStyle',
	method: 'GET',
	path: stylePath,
	auth: 'none',
	handle: () => content('text/css; charset=utf-8', style, {headers}),
});

/** The script that tells a client's window that a stage is done. */
export const getAuthDone = route({
	id: 'getAuthDoneScript',
	method: 'GET',
	path: authDonePath,
	auth: 'none',
	handle: () => content('text/javascript; charset=utf-8', authDoneScript, {headers}),
});
