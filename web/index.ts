export {accountHome, type AccountLink, accountPath} from './account.ts';
export {authFallbackDone, authFallbackForm, authFallbackGone} from './auth-fallback.ts';
export {chooseLanguage, findLanguage, type TextKey} from './languages/index.ts';
export {languagePath, type Page, pageHeaders, signOutPath, type View} from './page.ts';
export {problemPage} from './problem.ts';
export {registerClosed, registerForm, registerPath} from './register.ts';
export {setUpDone, setUpForm, setUpGone} from './set-up.ts';
export {signInForm, signInPath, toClientForm, toClientPath} from './sign-in.ts';
export {sourceAccount, sourceGone, sourceInvitation} from './source.ts';
