export {notifiesByDefault} from './notifies-by-default.ts';
