export {SourceLinksError, type SourceLinksErrorCode} from './errors.ts';
export {isPageOfSources} from './operations.ts';
export {createSourceLinks, type SourceLinks} from './source-links.ts';
