//! Files of a published folder that are about it and not of a generation: how the last run ended, what a rollback
//! changed.

use std::fs;
use std::path::Path;

use super::error::{SiteError, failed};
use super::generations::{GENERATIONS, Site, symlink};
use crate::store::{atomic, plain};

impl Site {
    /// Writes `OUT/name`, whole or not at all. The bytes lie beside the generations, where leftovers of killed runs are
    /// swept; in the folder itself stands a link.
    ///
    /// # Errors
    /// [`SiteError::Io`], and [`SiteError::InTheWay`] where something else has the name.
    pub fn write_notice(&self, name: &str, bytes: &[u8]) -> Result<(), SiteError> {
        let (link, file) = (self.out().join(name), self.out().join(GENERATIONS).join(name));
        let target = Path::new(GENERATIONS).join(name);
        let known = match fs::symlink_metadata(&link) {
            Ok(_) if fs::read_link(&link).is_ok_and(|to| to == target) => true,
            Ok(_) => return Err(SiteError::InTheWay(link.display().to_string())),
            Err(_) => false,
        };
        atomic::write(&file, bytes).map_err(failed(&file))?;
        if known { Ok(()) } else { symlink(&target, &link).map_err(failed(&link)) }
    }

    /// What [`Site::write_notice`] wrote last under this name, if it is there.
    pub fn read_notice(&self, name: &str) -> Option<Vec<u8>> {
        plain::read(&self.out().join(GENERATIONS).join(name)).ok()
    }

    /// Removes what [`Site::write_notice`] wrote, if it did.
    pub fn remove_notice(&self, name: &str) {
        let link = self.out().join(name);
        if fs::read_link(&link).is_ok_and(|to| to == Path::new(GENERATIONS).join(name)) {
            // A notice that stays is an old one, and says of when.
            let _ = fs::remove_file(&link);
            let _ = fs::remove_file(self.out().join(GENERATIONS).join(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_are_written_whole_and_take_nobodys_place() {
        let folder = tempfile::tempdir().unwrap();
        let site = Site::new(folder.path());
        let _lock = site.lock().unwrap();
        let read = || fs::read_to_string(folder.path().join("status.json")).unwrap();
        site.write_notice("status.json", b"1").unwrap();
        site.write_notice("status.json", b"2").unwrap();
        assert_eq!(read(), "2");
        site.settle();
        assert_eq!(read(), "2");
        site.remove_notice("status.json");
        assert!(fs::symlink_metadata(folder.path().join("status.json")).is_err());
        fs::write(folder.path().join("status.json"), "mine").unwrap();
        assert!(matches!(site.write_notice("status.json", b"3"), Err(SiteError::InTheWay(_))));
        site.remove_notice("status.json");
        assert_eq!(read(), "mine");
    }
}
