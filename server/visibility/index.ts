export {listOpenRooms} from './open-rooms.ts';
export {
	type Asker,
	createVisibility,
	type PrivacyScope,
	type Surface,
	type Visibility,
	type VisibilityDependencies,
} from './visibility.ts';
