export {SourceLinksError, type SourceLinksErrorCode} from './errors.ts';
export {createSourceLinks, type SourceLinks} from './source-links.ts';
