export {authFallbackDone, authFallbackForm, authFallbackGone} from './auth-fallback.ts';
export {Html, html} from './html.ts';
export {authDonePath, authDoneScript, page, pageHeaders, stylePath} from './page.ts';
export {setUpDone, setUpForm, setUpGone} from './set-up.ts';
export {style} from './style.ts';
