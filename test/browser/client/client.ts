/**
 * The smallest client that people could talk with: signs in, makes encrypted rooms, sends and reads, and shows unread counts
 * and avatars. For the test of what a browser and the newest library make of the server.
 */
import {
	ClientEvent,
	createClient,
	EventType,
	type MatrixClient,
	MatrixError,
	type MatrixEvent,
	MatrixEventEvent,
	MsgType,
	NotificationCountType,
	PendingEventOrdering,
	type Room,
	RoomEvent,
	type RoomMember,
	Visibility,
} from 'matrix-js-sdk-newest';

const AVATAR_PIXELS = 96;
const MESSAGE: string = EventType.RoomMessage;
/** What web clients take for a person who may not exist; they ask before they invite then, and not after any other refusal. */
const NOBODY: readonly (string | undefined)[] = [
	'M_NOT_FOUND',
	'M_USER_NOT_FOUND',
	'M_PROFILE_UNDISCLOSED',
	'M_PROFILE_NOT_FOUND',
];

function find<T extends Element>(kind: new () => T, selector: string, within: ParentNode = document): T {
	const found = within.querySelector(selector);
	if (!(found instanceof kind)) throw new Error(`expected ${selector} in the page`);
	return found;
}

function fail(error: unknown): void {
	find(HTMLElement, '#error').textContent = error instanceof Error ? error.message : String(error);
}

/** Does what a form is for when it is sent, with its fields. */
function onSubmit(selector: string, task: (fields: Record<string, string>) => Promise<void>): void {
	const form = find(HTMLFormElement, selector);
	form.addEventListener('submit', (event) => {
		event.preventDefault();
		const fields = Object.fromEntries(
			[...new FormData(form)].map(([name, value]) => [name, typeof value === 'string' ? value : value.name]),
		);
		form.reset();
		task(fields).catch(fail);
	});
}

class Home {
	readonly #client: MatrixClient;
	readonly #avatars = new Map<string, Promise<string>>();
	#roomId: string | undefined;
	/** The last event that was said to be read. */
	#readUpto: string | undefined;

	constructor(client: MatrixClient) {
		this.#client = client;
	}

	async open(): Promise<void> {
		const client = this.#client;
		await client.initRustCrypto();
		const show = () => this.#show();
		client.on(RoomEvent.Timeline, show);
		client.on(RoomEvent.MyMembership, show);
		client.on(RoomEvent.Receipt, show);
		client.on(MatrixEventEvent.Decrypted, show);
		client.on(ClientEvent.Sync, show);
		await client.startClient({pendingEventOrdering: PendingEventOrdering.Detached, threadSupport: true});
		find(HTMLElement, '#login').hidden = true;
		find(HTMLElement, '#home').hidden = false;
		onSubmit('#find', ({who = ''}) => this.#find(who));
		onSubmit('#create', ({name = '', invite = ''}) => this.#create(name, invite));
		onSubmit('#send', ({text = ''}) => this.#send(text));
		find(HTMLElement, '#accept').addEventListener('click', () => {
			if (this.#roomId !== undefined) client.joinRoom(this.#roomId).then(() => this.#show(), fail);
		});
		const file = find(HTMLInputElement, '#me input');
		file.addEventListener('change', () => {
			const [image] = file.files ?? [];
			if (image) this.#setAvatar(image).catch(fail);
		});
		await this.#showMe();
	}

	async #find(who: string): Promise<void> {
		const found = find(HTMLElement, '#found');
		found.textContent = '';
		const {results} = await this.#client.searchUserDirectory({term: who, limit: 10});
		const people = results.map(({user_id: userId, display_name: name}) => {
			const entry = document.createElement('li');
			entry.textContent = name ?? userId;
			return entry;
		});
		find(HTMLElement, '#people').replaceChildren(...people);
		found.textContent = `${people.length} found`;
	}

	/** Looks at the profile first, as web clients do. */
	async #mustBeSomebody(userId: string): Promise<void> {
		try {
			await this.#client.getProfileInfo(userId);
		} catch (error) {
			if (!(error instanceof MatrixError)) throw error;
			if (NOBODY.includes(error.errcode)) throw new Error(`${userId} may not exist`, {cause: error});
			if (error.errcode !== 'M_FORBIDDEN') throw error;
		}
	}

	async #create(name: string, invite: string): Promise<void> {
		await this.#mustBeSomebody(invite);
		const {room_id: roomId} = await this.#client.createRoom({
			name,
			invite: [invite],
			visibility: Visibility.Private,
			initial_state: [{type: EventType.RoomEncryption, state_key: '', content: {algorithm: 'm.megolm.v1.aes-sha2'}}],
		});
		this.#roomId = roomId;
		this.#show();
	}

	async #send(text: string): Promise<void> {
		if (this.#roomId === undefined) return;
		await this.#client.sendMessage(this.#roomId, {msgtype: MsgType.Text, body: text});
	}

	async #setAvatar(image: File): Promise<void> {
		const {content_uri: uri} = await this.#client.uploadContent(image);
		await this.#client.setAvatarUrl(uri);
		await this.#showMe();
	}

	async #showMe(): Promise<void> {
		const userId = this.#client.getSafeUserId();
		const profile = await this.#client.getProfileInfo(userId);
		find(HTMLElement, '#me strong').textContent = profile.displayname ?? userId;
		this.#showAvatar(find(HTMLImageElement, '#me img'), profile.avatar_url);
	}

	#show(): void {
		const rooms = this.#client.getRooms().filter((room) => ['join', 'invite'].includes(room.getMyMembership()));
		find(HTMLElement, '#rooms').replaceChildren(...rooms.map((room) => this.#entryOf(room)));
		const room = rooms.find(({roomId}) => roomId === this.#roomId);
		const section = find(HTMLElement, '#room');
		section.hidden = !room;
		if (!room) return;
		this.#showRoom(room, section);
		this.#read(room).catch(fail);
	}

	#entryOf(room: Room): HTMLElement {
		const entry = document.createElement('li');
		const button = document.createElement('button');
		button.type = 'button';
		button.setAttribute('aria-current', String(room.roomId === this.#roomId));
		button.append(this.#avatarOf(room.getAvatarFallbackMember()), textOf('name', room.name));
		const count = room.getUnreadNotificationCount(NotificationCountType.Total);
		if (count > 0) button.append(textOf('count', String(count)));
		button.addEventListener('click', () => {
			this.#roomId = room.roomId;
			this.#show();
		});
		entry.append(button);
		return entry;
	}

	/** What is shown is read. */
	async #read(room: Room): Promise<void> {
		const last = room.getLiveTimeline().getEvents().at(-1);
		const id = last?.getId();
		if (!last || id === this.#readUpto || room.getMyMembership() !== 'join') return;
		this.#readUpto = id;
		await this.#client.sendReadReceipt(last);
		this.#show();
	}

	#showRoom(room: Room, section: HTMLElement): void {
		const isInvite = room.getMyMembership() === 'invite';
		find(HTMLElement, 'h1', section).textContent = room.hasEncryptionStateEvent() ? `${room.name} 🔒` : room.name;
		find(HTMLElement, '#accept').hidden = !isInvite;
		find(HTMLElement, '#send').hidden = isInvite;
		const messages = room
			.getLiveTimeline()
			.getEvents()
			.filter((event) => event.getType() === MESSAGE || event.isDecryptionFailure());
		find(HTMLElement, '#timeline').replaceChildren(...messages.map((event) => this.#messageOf(event)));
	}

	#messageOf(event: MatrixEvent): HTMLElement {
		const message = document.createElement('li');
		const words = document.createElement('div');
		words.append(
			textOf('sender', event.sender?.name ?? event.getSender() ?? ''),
			textOf('body', String(event.getContent()['body'])),
		);
		message.append(this.#avatarOf(event.sender ?? undefined), words);
		return message;
	}

	#avatarOf(member: RoomMember | undefined): HTMLImageElement {
		const image = document.createElement('img');
		image.alt = member ? `Avatar of ${member.name}` : '';
		this.#showAvatar(image, member?.getMxcAvatarUrl());
		return image;
	}

	#showAvatar(image: HTMLImageElement, mxc: string | undefined): void {
		if (mxc === undefined) return;
		let loading = this.#avatars.get(mxc);
		if (!loading) this.#avatars.set(mxc, (loading = this.#loadAvatar(mxc)));
		loading.then((source) => {
			image.src = source;
		}, fail);
	}

	/** Media are given to people who have signed in, which an image's address alone cannot say. */
	async #loadAvatar(mxc: string): Promise<string> {
		const url = this.#client.mxcUrlToHttp(mxc, AVATAR_PIXELS, AVATAR_PIXELS, 'crop', false, true, true);
		if (url === null) throw new Error(`expected a content URI, got ${mxc}`);
		const response = await fetch(url, {headers: {authorization: `Bearer ${this.#client.getAccessToken()}`}});
		if (!response.ok) throw new Error(`the avatar was answered with ${response.status}`);
		return URL.createObjectURL(await response.blob());
	}
}

function textOf(className: string, text: string): HTMLElement {
	const element = document.createElement(className === 'body' ? 'p' : 'span');
	element.className = className;
	element.textContent = text;
	return element;
}

onSubmit('#login', async ({homeserver = '', user = '', password = ''}) => {
	const visitor = createClient({baseUrl: homeserver});
	const session = await visitor.loginRequest({
		type: 'm.login.password',
		identifier: {type: 'm.id.user', user},
		password,
		initial_device_display_name: 'A small client',
	});
	const client = createClient({
		baseUrl: homeserver,
		accessToken: session.access_token,
		userId: session.user_id,
		deviceId: session.device_id,
	});
	await new Home(client).open();
});
