export {createOpenId, type OpenId, type OpenIdToken} from './openid.ts';
