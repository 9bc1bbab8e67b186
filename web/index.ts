export {accountHome, type AccountLink, accountPath} from './account.ts';
export {dataForm, dataPath} from './account/data.ts';
export {deactivated, deactivateForm, deactivatePath} from './account/deactivate.ts';
export {passwordForm, passwordPath} from './account/password.ts';
export {addPasskeyForm, addPasskeyPath, passkeyList, passkeysPath} from './account/passkeys.ts';
export {newRecoveryCodes, recoveryCodesForm, recoveryCodesPath} from './account/recovery-codes.ts';
export {
	chooseFactor,
	chooseFactorPath,
	passkeyForm,
	passkeyPath,
	secondStepForm,
	secondStepPath,
	vouchingForm,
} from './account/second-step.ts';
export {sessionList, sessionsPath} from './account/sessions.ts';
export {confirmTotpPath, totpOverview, totpPath, totpSetUpForm} from './account/totp.ts';
export {approveDone, approveForm, waitingList, waitingPath} from './approve.ts';
export {authFallbackDone, authFallbackForm, authFallbackGone} from './auth-fallback.ts';
export {chooseLanguage, findLanguage, type TextKey} from './languages/index.ts';
export {loginFallbackDone, loginFallbackForm, loginFallbackPath} from './login-fallback.ts';
export {languagePath, type Page, pageHeaders, signOutPath, type View} from './page.ts';
export {
	type AskingClient,
	type Consent,
	consentFailed,
	consentForm,
	linkConsentForm,
	linkDone,
	linkForm,
	resetDone,
	resetForm,
	resetGone,
} from './oauth.ts';
export {confirmAddressDone, confirmAddressForm, mailAddressForm, mailAddressPath} from './mail-address.ts';
export {problemPage} from './problem.ts';
export {registerClosed, registerForm, registerPath} from './register.ts';
export {recoverAsked, recoverDone, recoverForm, recoverGone, recoverLinkForm} from './recover.ts';
export {setUpDone, setUpForm, setUpGone} from './set-up.ts';
export {
	callbackPath,
	chooseNameForm,
	chooseNamePath,
	linkPath,
	linksPage,
	linksPath,
	signInWithPath,
	unlinkPath,
} from './upstream.ts';
export {sourceLinksPage, sourceLinksPath} from './account/source-links.ts';
export {sourceAccount, sourceGone, sourceInvitation, sourcePath} from './source.ts';
export {recoverPath, signInForm, signInPath, toClientForm, toClientPath} from './sign-in.ts';
