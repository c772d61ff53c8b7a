//! Lists that come in pages, with an end.

use rmcp::{ServiceError, model::PaginatedRequestParams};

use crate::bounds::{CURSOR_BYTES_MAX, ENTRIES_MAX, PAGES_MAX};

/// All entries of a list whose pages `page` asks for; the error says what the server did wrong.
pub(crate) async fn all<T, F, Fut>(page: F) -> Result<Vec<T>, String>
where
    F: FnMut(Option<PaginatedRequestParams>) -> Fut,
    Fut: Future<Output = Result<(Vec<T>, Option<String>), ServiceError>>,
{
    match first(page).await? {
        (entries, None) => Ok(entries),
        (_, Some(why)) => Err(why),
    }
}

/// The entries of a list up to its bounds, and why there are no more if there might be.
pub(crate) async fn first<T, F, Fut>(mut page: F) -> Result<(Vec<T>, Option<String>), String>
where
    F: FnMut(Option<PaginatedRequestParams>) -> Fut,
    Fut: Future<Output = Result<(Vec<T>, Option<String>), ServiceError>>,
{
    let (mut entries, mut cursor) = (Vec::new(), None);
    for _ in 0..PAGES_MAX {
        let params = cursor.map(|cursor| PaginatedRequestParams::default().with_cursor(Some(cursor)));
        let (more, next) = page(params).await.map_err(|error| crate::words::problem(&error))?;
        entries.extend(more);
        if entries.len() > ENTRIES_MAX {
            entries.truncate(ENTRIES_MAX);
            return Ok((entries, Some(format!("a list of it has more than {ENTRIES_MAX} entries"))));
        }
        match next {
            None => return Ok((entries, None)),
            Some(next) if next.len() > CURSOR_BYTES_MAX => {
                let why = format!("a cursor of it has more than {CURSOR_BYTES_MAX} bytes");
                return Ok((entries, Some(why)));
            }
            next => cursor = next,
        }
    }
    Ok((entries, Some(format!("a list of it has more than {PAGES_MAX} pages"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn list(pages: usize, each: usize, cursor: &str) -> Result<Vec<usize>, String> {
        let mut asked = 0;
        let page = |_| {
            asked += 1;
            let next = (asked < pages).then(|| cursor.to_owned());
            std::future::ready(Ok((vec![0; each], next)))
        };
        all(page).await
    }

    #[tokio::test]
    async fn a_list_ends_however_long_the_server_would_go_on() {
        assert_eq!(list(3, 2, "x").await.unwrap().len(), 6);
        assert!(list(PAGES_MAX, 0, "x").await.unwrap().is_empty());
        assert!(list(PAGES_MAX + 1, 0, "x").await.unwrap_err().contains("pages"));
        assert!(list(2, ENTRIES_MAX, "x").await.unwrap_err().contains("entries"));
        let two = |_| std::future::ready(Ok((vec![0; ENTRIES_MAX], Some("x".to_owned()))));
        let (entries, rest) = first(two).await.unwrap();
        assert!(entries.len() == ENTRIES_MAX && rest.unwrap().contains("entries"), "what fits is kept");
        assert!(list(2, 1, &"x".repeat(CURSOR_BYTES_MAX + 1)).await.unwrap_err().contains("cursor"));
    }
}
