import {route} from '../route.ts';

/**
 * Tells an administrator's tool that this is no Synapse. Which version of the program runs is told to nobody over the
 * network: tools only show it, and who attacks a server looks for it.
 */
export const getServerVersion = route({
	id: 'adminServerVersion',
	method: 'GET',
	path: '/_synapse/admin/v1/server_version',
	auth: 'admin',
	handle: () => ({server_version: 'Broadsheet'}),
});
