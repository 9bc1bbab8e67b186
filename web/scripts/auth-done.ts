/**
 * Tells a client's window that a stage is completed, as the specification gives it.
 * @see https://spec.matrix.org/v1.19/client-server-api/#fallback
 */
export const authDoneScript = `if (window.onAuthDone) {
	window.onAuthDone();
} else if (window.opener && window.opener.postMessage) {
	window.opener.postMessage('authDone', '*');
}
`;
