export {
	createUserDirectory,
	type FoundPeople,
	type FoundPerson,
	type UserDirectory,
	type UserDirectoryDependencies,
} from './user-directory.ts';
