import {PassThrough} from 'node:stream';
import {dataForm, dataPath} from '../../../web/index.ts';
import {pageRoute, userOf} from './page-route.ts';

/** Lets people have what is kept of them. */
export const getData = pageRoute({
	id: 'getDataPage',
	method: 'GET',
	path: dataPath,
	access: 'changing',
	handle: ({view}) => ({page: dataForm(view)}),
});

/** Sends people all that is kept of them, as it is read. */
export const postData = pageRoute({
	id: 'postDataPage',
	method: 'POST',
	path: dataPath,
	access: 'changing',
	rateLimit: 'login',
	handle({session}, {personalData}) {
		const body = new PassThrough();
		// Who stops the download, or an archive that cannot be written: either way the stream is destroyed.
		personalData.write(userOf(session), body).catch((error: unknown) => body.destroy(error as Error));
		return {file: {name: 'my-data.zip', type: 'application/zip', body}};
	},
});
