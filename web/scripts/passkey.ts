/**
 * Asks the browser for a passkey, or to make one, when the form is sent, and sends what it says in the form. Options come,
 * and answers go, as the specification of Web Authentication has them in JSON.
 */
export const passkeyScript = `const form = document.getElementById('passkey');
const field = form.elements.namedItem('passkey');
const failed = document.getElementById('failed');
const bytes = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const readList = (list = []) => list.map((one) => ({...one, id: bytes(one.id)}));
async function ask() {
	const options = JSON.parse(form.dataset.options);
	options.challenge = bytes(options.challenge);
	if (options.user) {
		options.user.id = bytes(options.user.id);
		options.excludeCredentials = readList(options.excludeCredentials);
		return navigator.credentials.create({publicKey: options});
	}
	options.allowCredentials = readList(options.allowCredentials);
	return navigator.credentials.get({publicKey: options});
}
function write({id, type, response}) {
	const answer = {clientDataJSON: text(response.clientDataJSON)};
	for (const name of ['attestationObject', 'authenticatorData', 'signature', 'userHandle']) {
		if (response[name]) answer[name] = text(response[name]);
	}
	if (response.getTransports) answer.transports = response.getTransports();
	return JSON.stringify({id, rawId: id, type, response: answer});
}
form.addEventListener('submit', async (event) => {
	if (field.value !== '') return;
	event.preventDefault();
	failed.hidden = true;
	try {
		field.value = write(await ask());
		form.requestSubmit();
	} catch {
		failed.hidden = false;
	}
});
`;
