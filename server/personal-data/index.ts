export {createPersonalData, type PersonalData, type PersonalDataContents} from './personal-data.ts';
