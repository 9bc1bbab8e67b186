export {authFallbackDone, authFallbackForm, authFallbackGone} from './auth-fallback.ts';
export {authDonePath, authDoneScript, pageHeaders, stylePath} from './page.ts';
export {setUpDone, setUpForm, setUpGone} from './set-up.ts';
export {style} from './style.ts';
