"""Reference pictures from web sites: what a site is asked, what is kept, where it is from."""
