/**
 * Hands a client its session, as the specification gives it. Element's older apps, for Android and iOS, put their function
 * into an object that they expect here, and do so when the page is there: it is waited for. After an account was made
 * they wait for a function of another name, which gets the same.
 * @see https://spec.matrix.org/v1.19/client-server-api/#login-fallback
 */
export const loginDoneScript = `const place = document.getElementById('session');
const response = JSON.parse(place.dataset.response);
place.removeAttribute('data-response');
window.matrixLogin ??= {};
window.matrixRegistration ??= {};
let tries = 600;
const tell = () => {
	if (typeof window.matrixLogin.onLogin === 'function') {
		window.matrixLogin.onLogin(response);
	} else if (typeof window.matrixRegistration.onRegistered === 'function') {
		const {user_id: userId, access_token: accessToken} = response;
		window.matrixRegistration.onRegistered(userId.slice(userId.indexOf(':') + 1), userId, accessToken);
	} else if (tries-- > 0) {
		setTimeout(tell, 100);
	}
};
tell();
`;
