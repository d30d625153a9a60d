// The page's elements.

export const $ = (id) => document.getElementById(id);

// An element that says the same already is left alone: so are selections in it, and those who listen to it.
export function setText(element, text) {
	if (element.textContent !== text)
		element.textContent = text;
}
